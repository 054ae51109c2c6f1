import { Conflict } from "../../src/model/errors.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { podOf, quarantine } from "./quarantine.ts";
import { ANY_VERSION } from "./world.ts";

/**
 * The same playbook done wrong: its effect is a bare write, so one that lands late brings back what a revert removed.
 * It shows that the model can fail.
 */
export const bareQuarantine: AnyPlaybook = {
  ...quarantine,
  async apply(plan, { read, write }) {
    const { cluster, namespace, name } = podOf(plan);
    const pod = await read.kubernetes(cluster).pod(namespace, name);
    if (pod === null || pod.uid !== plan.identity) throw new Conflict("another pod", "Nothing to do.");
    if (pod.labels["quarantine"] === plan.remediationId) return;
    const condition = { uid: pod.uid, resourceVersion: ANY_VERSION };
    await write.kubernetes(cluster).labelPod(namespace, name, condition, { quarantine: plan.remediationId });
  },
};
