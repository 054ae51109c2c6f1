import type { WritePorts } from "../../src/model/playbook.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { type Bench, bench, configuration, notice } from "./harness.ts";

/** A way to a cluster that fetches its list from a container. */
export const BY_FLUX =
  "{ flux: { container: https://reflexblobs.blob.core.windows.net/list, configuration: reflex } }";

/** A bench with the product's playbooks over these ports, of which its first rule has those that `rule` says. */
export function productBench(
  ports: WritePorts,
  {
    rule,
    mode = "enforce",
    connect = "{ kubeconfig: none }",
  }: { readonly rule: string; readonly mode?: string; readonly connect?: string },
): Bench {
  return bench({
    configuration: configuration(
      mode,
      (text) => text.replace("{ kubeconfig: none }", connect).replace("{ name: quarantine, ttl: 8h }", rule),
      playbooks.filter(({ name }) => name !== "notify"),
    ),
    engine: { ports, playbooks: new Map([...playbooks, notice].map((one) => [one.name, one])) },
  });
}
