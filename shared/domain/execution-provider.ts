/** The execution providers of onnxruntime that FREEFACE_EXECUTION_PROVIDER accepts. */
export const executionProviders = ['cpu', 'webgpu', 'cuda'] as const;

export type ExecutionProvider = (typeof executionProviders)[number];

/**
 * The largest number of network threads.
 *
 * [Note: One thread for WebGPU]
 * All WebGPU sessions share one device, and two sessions that run at the same time end the process
 * (https://github.com/microsoft/onnxruntime/issues/32561). CUDA sessions can run at the same time. Each thread keeps its own copy of
 * the networks in the memory of the graphics card.
 */
export const mostThreads: Readonly<Record<ExecutionProvider, number>> = { cpu: 64, webgpu: 1, cuda: 64 };
