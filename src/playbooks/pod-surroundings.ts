import type { Labels, Pod } from "../model/kubernetes-objects.ts";
import { type KubernetesReader, selects } from "../model/kubernetes-port.ts";
import type { Service } from "../model/network-surroundings.ts";

/**
 * What becomes of those who know the pod by its labels once it has these others: services lose it, each with whether
 * another ready pod stays behind, or go on sending to it; disruption budgets no longer count it. A sentence each.
 */
export async function surroundingWords(
  pod: Pod,
  after: Labels,
  reader: KubernetesReader,
  keeps: (service: string) => string,
): Promise<string[]> {
  const { namespace } = pod;
  const [all, budgets] = await Promise.all([reader.services(namespace), reader.disruptionBudgets(namespace)]);
  const services = all.filter(({ selector }) => selector !== null && isSelected(selector, pod.labels));
  const isKept = ({ selector }: Service) => selector !== null && isSelected(selector, after);
  const lost = services.filter((service) => !isKept(service));
  const behind = lost.length === 0 ? null : await reader.pods(namespace);
  return [
    ...lost.map((service) => {
      const others = behind?.pods.filter(
        (other) =>
          other.uid !== pod.uid &&
          other.ready &&
          !other.deleting &&
          isSelected(service.selector ?? {}, other.labels),
      );
      const words = remaining(others?.length ?? 0, behind?.whole ?? true);
      return `Service ${namespace}/${service.name} loses the pod; ${words}.`;
    }),
    ...services.filter(isKept).map(({ name }) => keeps(`Service ${namespace}/${name}`)),
    ...budgets.flatMap(({ name, selector }) =>
      selector !== null && selects(selector, pod.labels) && !selects(selector, after)
        ? [`PodDisruptionBudget ${namespace}/${name} no longer counts the pod.`]
        : [],
    ),
  ];
}

function remaining(others: number, whole: boolean): string {
  if (others > 0) {
    return others === 1 ? "1 other ready pod stays behind it" : `${others} other ready pods stay behind it`;
  }
  return whole
    ? "no other ready pod stays behind it"
    : "among the pods that were read no other ready one stays behind it";
}

/** A service's selector is plain labels. */
function isSelected(selector: Labels, labels: Labels): boolean {
  return selects({ matchLabels: selector, matchExpressions: [] }, labels);
}
