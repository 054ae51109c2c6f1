/** Label or annotation by which an owner opts out, as the engine's guard reads it of a target; any value but `false` counts. */
const OPT_OUT = "defender-reflex.dev/protected";

/** Has the owner of an object that is touched beside the target opted out? */
export function isOptedOut({
  labels,
  annotations,
}: {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}): boolean {
  return [labels, annotations].some((map) => Object.hasOwn(map, OPT_OUT) && map[OPT_OUT] !== "false");
}
