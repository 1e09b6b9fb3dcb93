export function BoardPage() {
  return <h1 className="text-title">Board</h1>;
}
