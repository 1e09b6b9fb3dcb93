/** Where the services are: the origin that served the page, unless the build was told otherwise. */
const origin: string = import.meta.env.VITE_LEADERBOARD_URL ?? window.location.origin;

export const env = {
  apiUrl: origin,
  socketUrl: `${origin.replace(/^http/, "ws")}/ws/v1`,
} as const;
