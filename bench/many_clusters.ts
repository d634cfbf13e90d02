// bench/many_clusters.ts: YAML of many clusters, as a large configuration has them.

/** Elements of a list of clusters, of one host each; `hostOf` gives its address and port. */
export function manyClusters(count: number, type: string, hostOf: (index: number) => string): string {
  let yaml = "";
  for (let i = 0; i < count; i++) {
    yaml += `  - name: cluster_${i}
    type: ${type}
    connect_timeout: 0.25s
    lb_policy: ROUND_ROBIN
    load_assignment:
      cluster_name: cluster_${i}
      endpoints:
      - lb_endpoints:
        - endpoint:
            address:
              socket_address: { ${hostOf(i)} }
`;
  }
  return yaml;
}
