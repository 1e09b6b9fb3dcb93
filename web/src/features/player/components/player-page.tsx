export default function PlayerPage({ id }: { id: string }) {
  return <h1 className="text-title">{id}</h1>;
}
