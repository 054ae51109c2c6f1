/** The segments of an ARM id, case-folded: ARM ids are compared without case and by whole segment. */
export function armSegments(id: string): string[] {
  return id
    .toLowerCase()
    .split("/")
    .filter((segment) => segment !== "");
}

/** Is the resource `id` the scope itself or inside it? Case-folded, by whole segment: /subscriptions/789 is not within /subscriptions/78. */
export function armIdWithin(id: string, scope: string): boolean {
  const inner = armSegments(id);
  const outer = armSegments(scope);
  return outer.length > 0 && outer.every((segment, index) => inner[index] === segment);
}

/** Do both name the same resource? Case-folded, a slash at the end does not count. */
export function sameArmId(first: string, second: string): boolean {
  return armIdWithin(first, second) && armIdWithin(second, first);
}

/** Name of the resource group that the resource is in (or is), lower-cased; null where it is in none. */
export function resourceGroupOf(id: string): string | null {
  const [subscriptions, , groups, group] = armSegments(id);
  return subscriptions === "subscriptions" && groups === "resourcegroups" ? (group ?? null) : null;
}
