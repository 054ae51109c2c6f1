import type { AnyPlaybook } from "../model/playbook.ts";
import { blockImage } from "./block-image.ts";
import { cordonNode } from "./cordon-node.ts";
import { enforcePodRules } from "./enforce-pod-rules.ts";
import { isolatePod } from "./isolate-pod.ts";
import { notify } from "./notify.ts";
import { scaleToZero } from "./scale-to-zero.ts";
import { terminatePod } from "./terminate-pod.ts";

/** The one list of playbooks: adding one is its file, its test and its line here. */
export const playbooks: readonly AnyPlaybook[] = [
  isolatePod,
  terminatePod,
  scaleToZero,
  blockImage,
  enforcePodRules,
  cordonNode,
  notify,
];
