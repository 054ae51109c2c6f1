import type { ManagedIdentityCredential, TokenCredential } from "@azure/identity";

/**
 * The app's managed identity; the user-assigned one where its client id is given. The library is loaded with the first
 * token: a cold start does not wait for it.
 */
export function managedIdentity(clientId: string | undefined): TokenCredential {
  let identity: Promise<ManagedIdentityCredential> | undefined;
  const load = async (): Promise<ManagedIdentityCredential> => {
    const library = await import("./identity.ts");
    return new library.ManagedIdentityCredential(clientId === undefined ? {} : { clientId });
  };
  return {
    async getToken(scopes, options) {
      identity ??= load();
      return (await identity).getToken(scopes, options);
    },
  };
}
