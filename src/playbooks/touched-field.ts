/** The name of one field of one object of a cluster, the same for every spelling of the cluster's id. */
export function touchedField(cluster: string, object: string, field: string): string {
  return `${cluster.toLowerCase()}/${object}#${field}`;
}
