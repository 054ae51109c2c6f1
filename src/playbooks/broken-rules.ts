import type { ContainerFacts, PodFacts } from "../model/pod-facts.ts";
import type { PodRule } from "../model/pod-rules.ts";
import { parseImageReference } from "./image-reference.ts";

/** Which of these rules a pod breaks, as the admission policy judges it. `trusted` are prefixes that end with a slash. */
export function brokenRules(
  pod: PodFacts,
  rules: readonly PodRule[],
  trusted: readonly string[],
): readonly PodRule[] {
  return rules.filter((rule) => breaks(pod, rule, trusted));
}

function breaks(pod: PodFacts, rule: PodRule, trusted: readonly string[]): boolean {
  const some = (is: (container: ContainerFacts) => boolean): boolean => pod.containers.some(is);
  switch (rule) {
    case "privileged":
      return some(({ privileged }) => privileged);
    // Windows knows neither of these two fields.
    case "privilege-escalation":
      return !pod.isWindows && some(({ allowPrivilegeEscalation }) => allowPrivilegeEscalation);
    case "writable-root":
      return !pod.isWindows && some(({ readOnlyRootFilesystem }) => !readOnlyRootFilesystem);
    case "host-namespaces":
      return pod.hostPID || pod.hostIPC || pod.hostNetwork;
    case "untrusted-registries":
      return some(({ image }) => {
        const repository = parseImageReference(image)?.repository ?? "";
        return !trusted.some((prefix) => repository.startsWith(prefix));
      });
  }
}
