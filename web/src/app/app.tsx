import { Provider } from "@/app/provider";
import { Router } from "@/app/router";
import { Shell } from "@/app/shell";

export function App() {
  return (
    <Provider>
      <Shell>
        <Router />
      </Shell>
    </Provider>
  );
}
