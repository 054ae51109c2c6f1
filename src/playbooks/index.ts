import type { AnyPlaybook } from "../model/playbook.ts";
import { blockImage } from "./block-image.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { cordonNode } from "./cordon-node.ts";
import { denyExec } from "./deny-exec.ts";
import { disableWebhook } from "./disable-webhook.ts";
import { drainNodeExcept } from "./drain-node-except.ts";
import { enforcePodRules } from "./enforce-pod-rules.ts";
import { holdWorkload } from "./hold-workload.ts";
import { isolatePod } from "./isolate-pod.ts";
import { notify } from "./notify.ts";
import { removeRoleBinding } from "./remove-role-binding.ts";
import { restrictEgress } from "./restrict-egress.ts";
import { restrictServiceSources } from "./restrict-service-sources.ts";
import { revokeServiceAccount } from "./revoke-service-account.ts";
import { scaleToZero } from "./scale-to-zero.ts";
import { terminatePod } from "./terminate-pod.ts";

/** The one list of playbooks: adding one is its file, its test and its line here. */
export const playbooks: readonly AnyPlaybook[] = [
  isolatePod,
  restrictEgress,
  terminatePod,
  scaleToZero,
  holdWorkload,
  blockImage,
  enforcePodRules,
  cordonNode,
  drainNodeExcept,
  collectEvidence,
  removeRoleBinding,
  revokeServiceAccount,
  disableWebhook,
  restrictServiceSources,
  denyExec,
  notify,
];
