import { Badge } from "@/components/ui/badge";
import { Card } from "@/components/ui/card";
import { Table, Td, Th } from "@/components/ui/table";
import { number } from "@/lib/format";
import type { Operations } from "../api/operations";

/** How far each partition of the log is projected, and by whom. */
export function Partitions({ partitions }: { partitions: Operations["partitions"] }) {
  return (
    <Card title="Partitions" flush>
      <Table aria-label="Partitions of the log">
        <thead>
          <tr>
            <Th>Nr</Th>
            <Th numeric>End</Th>
            <Th numeric className="max-tablet:hidden">
              Projected
            </Th>
            <Th numeric>Lag</Th>
            <Th>State</Th>
          </tr>
        </thead>
        <tbody>
          {partitions.map(each => (
            <tr key={each.partition}>
              <Td>{each.partition}</Td>
              <Td numeric>{number(each.end)}</Td>
              <Td numeric className="max-tablet:hidden">
                {number(each.applied)}
              </Td>
              <Td numeric>{number(each.lag)}</Td>
              <Td>
                <State partition={each} />
              </Td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Card>
  );
}

function State({ partition: { stopped, owner } }: { partition: Operations["partitions"][number] }) {
  if (stopped !== null) return <Badge tone="bad">stopped</Badge>;
  if (owner === null) return <Badge tone="warn">nobody’s</Badge>;
  return (
    <span className="block max-w-40 truncate font-mono text-muted text-small" title={owner}>
      {owner}
    </span>
  );
}
