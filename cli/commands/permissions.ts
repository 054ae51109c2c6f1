import { type Command, Option } from "commander";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { enginePermissions } from "../../src/playbooks/base-permissions.ts";
import { clusterRole } from "../../src/playbooks/cluster-role.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { type KubernetesRight, kubernetesRights } from "../../src/playbooks/kubernetes-rights.ts";
import { enabledPlaybooks } from "../../src/rules/index.ts";
import type { CommandContext, CommandIo } from "../command-io.ts";
import { printJson } from "../print.ts";
import { readGoodConfiguration } from "../read-configuration.ts";
import { Stop } from "../stop.ts";

const FORMATS = ["clusterrole", "json"] as const;

interface Options {
  readonly config?: string;
  readonly playbook: readonly string[];
  readonly format?: (typeof FORMATS)[number];
  readonly json?: boolean;
}

/** Adds `reflex permissions`: the Kubernetes rights of the enabled playbooks, to be applied or looked at. No network. */
export function addPermissions(program: Command, { io, end }: CommandContext): void {
  program
    .command("permissions")
    .description(
      "The Kubernetes rights of the playbooks that a configuration enables and of those that are named; of all where neither is given.",
    )
    .option("--config <file>", "the configuration; a rule that is off at all times enables nothing")
    .option(
      "--playbook <name>",
      "one that people run by hand, as often as there are",
      (name: string, before: readonly string[]) => [...before, name],
      [],
    )
    .addOption(new Option("--format <format>", "clusterrole is YAML to apply (default)").choices(FORMATS))
    .action(async (_options: unknown, command: Command) => {
      await permissions(io, command.optsWithGlobals<Options>());
      end(0);
    });
}

async function permissions(io: CommandIo, options: Options): Promise<void> {
  const format = formatOf(options);
  const chosen = await chosenPlaybooks(io, options);
  const rights = kubernetesRights(chosen);
  if (format === "clusterrole") io.write(clusterRole(rights));
  else printJson(io, asJson(chosen, rights));
}

function formatOf({ format, json }: Options): (typeof FORMATS)[number] {
  if (json !== true) return format ?? "clusterrole";
  if (format !== undefined && format !== "json") {
    throw new Stop(2, `--json and --format ${format} ask for different things; give one of them`);
  }
  return "json";
}

/** In the order of the one list, however they were asked for. */
async function chosenPlaybooks(
  io: CommandIo,
  { config, playbook }: Options,
): Promise<readonly AnyPlaybook[]> {
  const names = playbooks.map(({ name }) => name);
  const unknown = playbook.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Stop(2, `${unknown} is no playbook; write one of ${names.join(", ")}`);
  }
  if (config === undefined && playbook.length === 0) return playbooks;
  const enabled =
    config === undefined ? new Set<string>() : enabledPlaybooks(await readGoodConfiguration(io, config));
  return playbooks.filter(({ name }) => enabled.has(name) || playbook.includes(name));
}

function asJson(chosen: readonly AnyPlaybook[], rights: readonly KubernetesRight[]) {
  return {
    engine: enginePermissions(chosen),
    playbooks: chosen.map(({ name, permissions: { kubernetes } }) => ({ name, kubernetes })),
    merged: rights.map(({ namespace, apiGroup, resource, resourceNames, verbs }) => ({
      apiGroup,
      resource,
      verbs: verbs.map(({ verb }) => verb),
      ...(resourceNames === null ? {} : { resourceNames }),
      ...(namespace === null ? {} : { namespace }),
    })),
  };
}
