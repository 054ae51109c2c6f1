import { fileURLToPath } from "node:url";
import { openContracts } from "../../../local/arm/contracts.ts";
import { type ArmStandIn, startArm } from "../../../local/arm/index.ts";
import { type ArmAccess, type ArmOptions, openArmAccess } from "../../../src/clients/arm/index.ts";

/** Microsoft's own contracts, where they lie beside the project; null, said aloud, where they do not. */
export const contracts = openContracts(
  fileURLToPath(new URL("../../../../shared/specs/azure", import.meta.url)),
);
if (contracts === null) console.log("Not checked against the official contracts: they are not there.");

/** A credential that takes its token from the stand-in as an app in Azure does, and counts. */
export function credentialOf(arm: ArmStandIn): ArmOptions["credential"] & { asked: number } {
  const credential = {
    asked: 0,
    async getToken(scopes: string | string[]) {
      credential.asked += 1;
      const { IDENTITY_ENDPOINT = "", IDENTITY_HEADER = "" } = arm.settings;
      const resource = String(scopes).replace(/\/\.default$/, "");
      const answer = await fetch(`${IDENTITY_ENDPOINT}?resource=${encodeURIComponent(resource)}`, {
        headers: { "x-identity-header": IDENTITY_HEADER },
      });
      const { access_token: token } = (await answer.json()) as { access_token: string };
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  return credential;
}

/** A stand-in, and the access of one app to it. */
export async function armBench(more: Partial<ArmOptions> = {}): Promise<{
  arm: ArmStandIn;
  access: ArmAccess;
  credential: ReturnType<typeof credentialOf>;
}> {
  const arm = await startArm({ contracts });
  const credential = credentialOf(arm);
  const access = openArmAccess({ credential, endpoint: arm.url, allowLoopback: true, ...more });
  return { arm, access, credential };
}
