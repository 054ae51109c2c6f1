import type { FieldManager } from "../model/field-managers.ts";
import { FIELD_MANAGER } from "../model/incident-mark.ts";
import type { Autoscaler, WorkloadState } from "../model/workload-state.ts";
import { stopPath } from "./stop-change.ts";

/** Somebody who may start a stopped workload again. */
export interface StartsAgain {
  /** As its people know it: `Flux Kustomization apps/shop`. */
  readonly who: string;
  /** What it will do, in one sentence. */
  readonly limit: string;
  /** The annotation of the same object by which it leaves it alone, where there is one. */
  readonly pause: readonly [key: string, value: string] | null;
}

/** By it Flux's kustomize-controller leaves one object alone (fluxcd/kustomize-controller, pull request 484). */
export const FLUX_PAUSE = ["kustomize.toolkit.fluxcd.io/reconcile", "disabled"] as const;

type Labels = Readonly<Record<string, string>>;

/**
 * Who may start a workload again, from autoscalers, labels, annotations, owner and field managers. A tool that puts a
 * state from Git back only minds the fields that stand there: who set the field that we change is who will set it again.
 * Nothing of this decides whether it is stopped.
 */
export function startsAgain(
  workload: WorkloadState,
  autoscalers: readonly Autoscaler[],
): readonly StartsAgain[] {
  const setters = settersOf(workload);
  const tools = [argo(workload, setters), kustomization(workload, setters), helmRelease(workload, setters)];
  const named = tools.flatMap((tool) => tool ?? []);
  return [
    ...autoscalers.filter(({ target }) => isTarget(target, workload)).map(autoscaler),
    ...named,
    ...operator(workload),
    ...setters.filter(({ name }) => !isTool(name)).map(setter),
  ];
}

function isTarget({ kind, name }: Autoscaler["target"], workload: WorkloadState): boolean {
  return kind === workload.kind && name === workload.name;
}

/** The ScaledObject for which KEDA made this autoscaler, by its label or its name; null: none. */
export function scaledObjectOf({ name, labels }: Autoscaler): string | null {
  return at(labels, "scaledobject.keda.sh/name") ?? /^keda-hpa-(.+)$/.exec(name)?.[1] ?? null;
}

function autoscaler(of: Autoscaler): StartsAgain {
  const { name, least } = of;
  const scaled = scaledObjectOf(of);
  if (scaled !== null) {
    return {
      who: `KEDA ScaledObject ${scaled}`,
      limit: `KEDA's ScaledObject ${scaled} starts it again when its trigger says so: annotate that with autoscaling.keda.sh/paused-replicas: "0", or hold the workload.`,
      pause: null,
    };
  }
  return {
    who: `HorizontalPodAutoscaler ${name}`,
    limit:
      least === 0
        ? `HorizontalPodAutoscaler ${name} may go to zero by itself, and from there up again.`
        : `HorizontalPodAutoscaler ${name} leaves a workload at zero alone, and takes over again once it is scaled up.`,
    pause: null,
  };
}

/** Those who set the very field by which it is stopped, other than we and Kubernetes' own controllers. */
function settersOf({ managers, kind }: WorkloadState): readonly FieldManager[] {
  const path = stopPath(kind);
  return managers.filter(
    ({ name, fields }) =>
      name !== FIELD_MANAGER &&
      name !== "kube-controller-manager" &&
      fields.some((field) => path.every((segment, index) => field[index] === segment)),
  );
}

const TOOLS = /^(?:argocd-|kustomize-controller$|helm-controller$|keda-)/;

function isTool(name: string): boolean {
  return TOOLS.test(name);
}

/** The id is `APPLICATION:GROUP/KIND:NAMESPACE/NAME`; one that names another object was copied from it, and Argo CD ignores it. */
function argo(workload: WorkloadState, setters: readonly FieldManager[]): StartsAgain | null {
  const { annotations, labels, kind, namespace, name } = workload;
  const isSetter = setters.some((one) => one.name.startsWith("argocd-"));
  const id = at(annotations, "argocd.argoproj.io/tracking-id")?.split(":") ?? [];
  const tracked = id.length === 3 && id[1]?.endsWith(`/${kind}`) && id[2] === `${namespace}/${name}`;
  const label = at(labels, "argocd.argoproj.io/instance") ?? at(labels, "app.kubernetes.io/instance");
  const application = tracked ? (id[0] ?? "") : isSetter ? (label ?? "") : "";
  if (application === "" && !isSetter) return null;
  const who = `Argo CD application ${application === "" ? "(unknown)" : application}`;
  return {
    who,
    limit: isSetter
      ? `${who} starts it again within seconds where it heals by itself: switch that off for the application, or hold the workload.`
      : `${who} manages it, and did not set what is changed here, as far as the cluster recorded it.`,
    pause: null,
  };
}

function kustomization(
  { labels, annotations }: WorkloadState,
  setters: readonly FieldManager[],
): StartsAgain | null {
  const isSetter = setters.some((one) => one.name === "kustomize-controller");
  const name = at(labels, "kustomize.toolkit.fluxcd.io/name");
  if (name === null && !isSetter) return null;
  const where = at(labels, "kustomize.toolkit.fluxcd.io/namespace");
  const who = `Flux Kustomization ${where === null ? "" : `${where}/`}${name ?? "(unknown)"}`;
  const [key, value] = FLUX_PAUSE;
  if (!isSetter) {
    const limit = `${who} manages it, and did not set what is changed here, as far as the cluster recorded it.`;
    return { who, limit, pause: null };
  }
  return at(annotations, key) === value
    ? { who, limit: `${who} leaves it alone already (${key}: ${value}).`, pause: null }
    : {
        who,
        limit: `${who} would start it again, and leaves it alone while it is annotated (${key}: ${value}); a reconciliation that runs already goes on.`,
        pause: FLUX_PAUSE,
      };
}

function helmRelease({ labels }: WorkloadState, setters: readonly FieldManager[]): StartsAgain | null {
  const isSetter = setters.some((one) => one.name === "helm-controller");
  const name = at(labels, "helm.toolkit.fluxcd.io/name");
  if (name === null && !isSetter) return null;
  const where = at(labels, "helm.toolkit.fluxcd.io/namespace");
  const who = `Flux HelmRelease ${where === null ? "" : `${where}/`}${name ?? "(unknown)"}`;
  return {
    who,
    limit: isSetter
      ? `${who} starts it again with its next upgrade, or sooner where it corrects drift: suspend it, or hold the workload.`
      : `${who} manages it, and did not set what is changed here, as far as the cluster recorded it.`,
    pause: null,
  };
}

function operator({ controller }: WorkloadState): StartsAgain[] {
  if (controller === null) return [];
  const who = `${controller.kind} ${controller.name}`;
  return [{ who, limit: `Its owner, ${who}, may start it again.`, pause: null }];
}

function setter({ name }: FieldManager): StartsAgain {
  const who = name === "" ? "a client without a name" : name;
  return { who, limit: `${who} set what is changed here, and may do so again.`, pause: null };
}

function at(map: Labels, key: string): string | null {
  const value = Object.hasOwn(map, key) ? map[key] : undefined;
  return value === undefined || value === "" ? null : value;
}
