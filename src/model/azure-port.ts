/** What the scope has to know of Azure resources besides their ids. Errors as in `DefenderPort`. */
export interface AzurePort {
  /** Tags of a resource, with those of its resource group and subscription where it has none of that name; null: there is no such resource. */
  tags(resourceId: string): Promise<Readonly<Record<string, string>> | null>;
  /** Names of the management groups above a subscription, nearest first, lower-cased. */
  managementGroups(subscriptionId: string): Promise<readonly string[]>;
}
