import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const leaderboard = process.env.LEADERBOARD_URL ?? "http://localhost:8080";
const proxy = {
  // `secure`: behind the nginx of compose.dev.yaml the certificate is signed by itself.
  "/api": { target: leaderboard, changeOrigin: true, secure: false },
  // The notifier refuses an Origin that it does not list; the page's own is not known to it behind this proxy.
  "/ws": { target: leaderboard, changeOrigin: true, secure: false, ws: true, rewriteWsOrigin: true },
};

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: { proxy },
  preview: { proxy },
  build: { target: ["chrome123", "firefox120", "safari17.5"], sourcemap: true },
  test: { environment: "happy-dom", setupFiles: "src/testing/setup.ts", restoreMocks: true },
});
