import type { Manifest } from '../../../shared/function/define.ts';
import { networkPolicies, serviceAccount } from './access.ts';
import { adminKeyJob, migrateJob } from './jobs.ts';
import { httpRoutes, ingressGrant } from './routes.ts';
import { knativeService } from './service.ts';
import { kafkaSource, pingSource } from './sources.ts';
import { toYaml } from './yaml.ts';

/** Returns the generated manifests of a cluster: path from the repository's root, and text. `version`: tag of the images. */
export function manifestFiles(manifests: readonly Manifest[], version: string): Map<string, string> {
  const defined = <Item>(list: readonly (Item | undefined)[]): Item[] => list.filter((item) => item !== undefined);
  return new Map([
    ['knative/base/services.gen.yaml', toYaml(manifests.map((manifest) => knativeService(manifest, version)))],
    ['knative/base/routes.gen.yaml', toYaml([...httpRoutes(manifests), ingressGrant()].map((object) => ({ object })))],
    ['knative/base/accounts.gen.yaml', toYaml(manifests.map((manifest) => ({ object: serviceAccount(manifest) })))],
    ['knative/base/network.gen.yaml', toYaml(networkPolicies())],
    ['knative/jobs/migrate/job.gen.yaml', toYaml(migrateJob(version))],
    ['knative/jobs/admin-key/job.gen.yaml', toYaml(adminKeyJob(version))],
    ['eventing/sources.gen.yaml', toYaml(defined(manifests.map(kafkaSource)))],
    ['eventing/schedules.gen.yaml', toYaml(defined(manifests.map(pingSource)))],
  ]);
}
