/** What a container of a pod may do, as its specification says; absent fields have the meaning that Kubernetes gives them. */
export interface ContainerFacts {
  readonly image: string;
  /** The digest that really runs, if known. */
  readonly digest: string | null;
  readonly privileged: boolean;
  /** Only a plain `false` in the specification says no. */
  readonly allowPrivilegeEscalation: boolean;
  readonly readOnlyRootFilesystem: boolean;
}

/** A pod, as far as admission policies of ours judge it, and the workload that it is counted to. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  /** `Deployment web` and the like; `pod web` for a pod that nobody controls. */
  readonly owner: string;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  readonly hostNetwork: boolean;
  readonly isWindows: boolean;
  readonly containers: readonly ContainerFacts[];
  /** References of volumes that are made of images. */
  readonly volumeImages: readonly string[];
  /** It has ended, and starts nothing any more. */
  readonly isOver: boolean;
}
