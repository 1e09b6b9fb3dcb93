import { Badge } from "@/components/ui/badge";

/** The header's word on how fresh the page is. */
export function ConnectionState() {
  return <Badge>connecting</Badge>;
}
