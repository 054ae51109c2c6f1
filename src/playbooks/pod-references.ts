const SECRETS = new Set(["secret", "secretRef", "secretKeyRef", "nodePublishSecretRef", "imagePullSecrets"]);
const CONFIG_MAPS = new Set(["configMap", "configMapRef", "configMapKeyRef"]);

/** Names of the secrets and config maps that a pod's specification mounts, reads or pulls images with; no values. */
export function referencesOf(spec: unknown): {
  readonly secrets: readonly string[];
  readonly configMaps: readonly string[];
} {
  const members = membersIn(spec);
  const named = (keys: ReadonlySet<string>): string[] =>
    members.flatMap(([key, value]) => (keys.has(key) ? namesIn(value) : []));
  const mounted = members.flatMap(([key, value]) =>
    key === "secretName" && typeof value === "string" ? [value] : [],
  );
  return { secrets: once([...named(SECRETS), ...mounted]), configMaps: once(named(CONFIG_MAPS)) };
}

/** Every key with its value, however deep. */
function membersIn(value: unknown): (readonly [key: string, value: unknown])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[key, inner] as const, ...membersIn(inner)]);
}

/** The name in a reference, or in each of a list. */
function namesIn(reference: unknown): string[] {
  return [reference].flat().flatMap((one) => {
    const name: unknown = typeof one === "object" && one !== null ? Reflect.get(one, "name") : undefined;
    return typeof name === "string" && name !== "" ? [name] : [];
  });
}

function once(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}
