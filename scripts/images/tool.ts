import { execFileSync } from 'node:child_process';

/** Runs one of the programs that speak with registries, the first that is installed. Throws an Error that says how to get one. */
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
    'Neither crane nor skopeo is installed; either will do: https://github.com/google/go-containerregistry',
  );
}
