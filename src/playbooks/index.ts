import type { AnyPlaybook } from "../model/playbook.ts";
import { blockImage } from "./block-image.ts";
import { isolatePod } from "./isolate-pod.ts";
import { notify } from "./notify.ts";
import { scaleToZero } from "./scale-to-zero.ts";

/** The one list of playbooks: adding one is its file, its test and its line here. */
export const playbooks: readonly AnyPlaybook[] = [isolatePod, scaleToZero, blockImage, notify];
