/** What moves when a score has counted; it comes in a chunk of its own after the first paint. */
export { domAnimation as default } from "motion/react";
