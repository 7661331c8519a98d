export interface CallOptions {
  /** Key or token of the caller; null: none. Default: the admin key of the platform. */
  readonly as?: string | null;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string | Uint8Array>>;
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; undefined if the body is not JSON. Untyped, so that tests can read every field. */
  // biome-ignore lint/suspicious/noExplicitAny: the test asserts on the fields that it expects
  readonly json: any;
  readonly bytes: Uint8Array;
}

/** Sends one HTTP request and reads the whole response. */
export async function send(
  url: string,
  method: string,
  path: string,
  { as = null, json, form, body, headers = {} }: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(as === null ? {} : { authorization: `Bearer ${as}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    redirect: 'manual',
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(form === undefined ? {} : { body: formOf(form) }),
    ...(body === undefined ? {} : { body }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '') && bytes.length > 0;
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    json: isJson ? JSON.parse(new TextDecoder().decode(bytes)) : undefined,
  };
}

function formOf(fields: Readonly<Record<string, string | Uint8Array>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([value]), 'photo.jpg');
  }
  return form;
}
