import { execFileSync } from 'node:child_process';

/** Runs the first installed program that can use a registry. Throws an Error that says how to get one. */
export function registryTool(commands: {
  readonly crane: readonly string[];
  readonly skopeo: readonly string[];
}): void {
  for (const [program, args] of Object.entries(commands)) {
    try {
      execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(
    'Neither crane nor skopeo is installed. Install one of them, for example crane: https://github.com/google/go-containerregistry',
  );
}
