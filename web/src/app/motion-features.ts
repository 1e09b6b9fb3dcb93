/** Layout animation is the dear part of Motion; it comes in a chunk of its own after the first paint. */
export { domMax as default } from "motion/react";
