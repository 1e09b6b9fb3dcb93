import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { LazyMotion, MotionConfig } from "motion/react";
import { type ReactNode, useState } from "react";
import { unreachable } from "@/lib/problem";
import { LiveProvider } from "@/lib/use-live";

const loadMotion = () => import("@/app/motion-features").then(module => module.default);

/** What every part of the app may count on. */
export function Provider({ children }: { children: ReactNode }) {
  const [client] = useState(makeQueryClient);
  return (
    <QueryClientProvider client={client}>
      <MotionConfig reducedMotion="user">
        <LazyMotion features={loadMotion} strict>
          <LiveProvider>{children}</LiveProvider>
        </LazyMotion>
      </MotionConfig>
    </QueryClientProvider>
  );
}

/** Server state stays for half a minute; only what may pass by itself is asked again. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (failures, error) => failures < 3 && unreachable(error).passing,
        retryDelay: (failures, error) =>
          unreachable(error).retryAfter ?? Math.random() * Math.min(10_000, 500 * 2 ** failures),
      },
    },
  });
}
