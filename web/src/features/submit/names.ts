const HOW = ["neon", "swift", "lucky", "cosmic", "silent", "rapid", "electric", "midnight", "turbo", "golden"];
const WHO = ["otter", "falcon", "lynx", "comet", "badger", "panda", "viper", "heron", "moth", "raven"];

/** A player id for who has none yet: `neon-otter-42`. `random`: 0 to 1. */
export function suggestName(random: () => number = Math.random): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)];
  return `${pick(HOW)}-${pick(WHO)}-${10 + Math.floor(random() * 90)}`;
}
