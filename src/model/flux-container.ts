/** A container of Azure Blob Storage that a cluster's Flux fetches from. */
export interface FluxContainer {
  /** `https://ACCOUNT.blob.core.windows.net/CONTAINER`, without a slash at the end. */
  readonly url: string;
  /** Origin of the account's blob service. */
  readonly account: string;
  readonly name: string;
}

/** Blob endpoints of the clouds that there are (Azure CLI, `az cloud list`): no other host ever gets a token of ours. */
const CONTAINER =
  /^(https:\/\/[a-z0-9]{3,24}\.blob\.core\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn))\/(?=[a-z0-9-]{3,63}\/?$)([a-z0-9](?:-?[a-z0-9])+)\/?$/;

/** Kinds of clusters that Azure installs Flux configurations on. */
const EXTENSIBLE =
  /\/providers\/microsoft\.(?:containerservice\/managedclusters|kubernetes\/connectedclusters)\/[^/]+$/i;

/** The container of an address; null where it is none that may be used. */
export function fluxContainer(address: string): FluxContainer | null {
  const [, account, name] = CONTAINER.exec(address) ?? [];
  return account === undefined || name === undefined ? null : { url: `${account}/${name}`, account, name };
}

/** The first of a cluster's ARM ids that can have Flux configurations: that of AKS or of Arc. */
export function fluxCluster(ids: readonly string[]): string | undefined {
  return ids.find((id) => EXTENSIBLE.test(id));
}
