function isUpper(text: string | undefined): boolean {
  return text !== undefined && text !== text.toLowerCase() && text === text.toUpperCase();
}

/** A property name as Defender's ARM form writes it: `OMSAgentID` is `omsAgentID`, `Name` is `name`. */
export function camelKey(key: string): string {
  let capitals = 0;
  while (isUpper(key[capitals])) capitals += 1;
  if (capitals === 0) return key;
  // The last of several capitals begins the next word, unless nothing follows.
  const lowered = capitals === 1 || capitals === key.length ? capitals : capitals - 1;
  return key.slice(0, lowered).toLowerCase() + key.slice(lowered);
}
