export default function OperatorPage() {
  return <h1 className="text-title">Operator</h1>;
}
