import { z } from "zod";

/** So many logs of one pod are read. */
const MOST_LOGS = 30;

const containerSchema = z.looseObject({ name: z.string(), image: z.string().nullish() });
const statusSchema = z.object({
  name: z.string(),
  imageID: z.string().nullish(),
  restartCount: z.number().nullish(),
  state: z.record(z.string(), z.unknown()).nullish(),
  lastState: z.record(z.string(), z.unknown()).nullish(),
});
const containers = z.array(containerSchema).nullish();
const statuses = z.array(statusSchema).nullish();

/** What evidence needs of a pod as the API server has it. */
export const podSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).nullish() }),
  spec: z.looseObject({
    containers,
    initContainers: containers,
    ephemeralContainers: containers,
    serviceAccountName: z.string().nullish(),
    nodeName: z.string().nullish(),
  }),
  status: z
    .object({
      containerStatuses: statuses,
      initContainerStatuses: statuses,
      ephemeralContainerStatuses: statuses,
    })
    .nullish(),
});
type EvidencePod = z.infer<typeof podSchema>;

/** A log to be asked for, and the name of its file. */
export interface AskedLog {
  readonly name: string;
  readonly container: string;
  readonly previous: boolean;
}

/**
 * The logs that there can be: of each container that ran, and of the one before it where it was restarted. One without a
 * node, or that only waits to start, has printed nothing. `left`: there are more than are read.
 */
export function askedLogs(pod: EvidencePod): { readonly logs: readonly AskedLog[]; readonly left: boolean } {
  if (!pod.spec.nodeName) return { logs: [], left: false };
  const all = allContainers(pod).flatMap(({ name: container, status }) => {
    const file = (which: string): string => `logs/${container}${which}.log`;
    const restarted = (status?.restartCount ?? 0) > 0 || isOf(status?.lastState, "terminated");
    const onlyWaits = !restarted && isOf(status?.state, "waiting");
    return [
      ...(onlyWaits ? [] : [{ name: file(""), container, previous: false }]),
      ...(restarted ? [{ name: file(".previous"), container, previous: true }] : []),
    ];
  });
  return { logs: all.slice(0, MOST_LOGS), left: all.length > MOST_LOGS };
}

/** Each container with its image as it was asked for, and as it really runs. */
export function imagesOf(pod: EvidencePod): readonly object[] {
  return allContainers(pod).map(({ name, image, status }) => ({
    container: name,
    image: image ?? null,
    imageId: status?.imageID ?? null,
    restarts: status?.restartCount ?? null,
  }));
}

function allContainers({ spec, status }: EvidencePod) {
  const known = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  return [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ].map(({ name, image }) => ({ name, image, status: known.find((one) => one.name === name) }));
}

function isOf(state: Readonly<Record<string, unknown>> | null | undefined, which: string): boolean {
  return state !== null && state !== undefined && Object.hasOwn(state, which);
}
