import type { SettingName } from '../../shared/config.ts';

/** The meaning of each setting, for the table in shared/README.md. It is apart from config.ts, so that no bundle contains it. */
export const settingDescriptions: Readonly<Record<SettingName, string>> = {
  FREEFACE_MODE: '`embedded`: one process and one folder. `distributed`: the platform uses the engines below.',
  PORT: 'Port to listen on; 0: any free port.',
  HOST: 'Address to listen on. An address that other machines can reach requires `FREEFACE_BEHIND_TLS=true`.',
  FREEFACE_BEHIND_TLS: '`true`: a proxy in front of this server speaks TLS to the clients.',
  FREEFACE_DATA: 'Folder for all data: records, vectors, images, keys, models.',
  FREEFACE_WATCH:
    'Folder whose photos are enrolled automatically. `{external_id}/name.jpg` belongs to the tenant `default`, `{tenant}/{external_id}/name.jpg` to the named tenant. If that tenant does not exist, the photo is refused and the tenant `default` gets a dead letter. If a photo is deleted from the folder, its faces are erased. If not set, no folder is watched.',
  FREEFACE_MODEL_PACK:
    'Model packs, separated by commas. A request selects one with `strategy`; the first is the default.',
  FREEFACE_MODELS: 'Folder with the catalogue of model packs and their calibrations.',
  FREEFACE_EXECUTION_PROVIDER:
    'Hardware that runs the networks: `cpu`, `webgpu` (a graphics card, through its Vulkan driver) or `cuda` (an NVIDIA card; onnxruntime-node must be installed with the CUDA libraries).',
  FREEFACE_THREADS:
    'Threads that run networks; each has its own copy of the networks. If not set: one thread per core, at most 4, or one thread for a graphics card. `webgpu` allows only 1.',
  FREEFACE_MAX_IMAGE_BYTES: 'Largest image file that is accepted, in bytes.',
  FREEFACE_MAX_IMAGE_PIXELS:
    'Largest image that is accepted, in pixels. The size is read from the header before decoding.',
  FREEFACE_MAX_HELD_BYTES:
    'Request bodies that one process keeps in memory at the same time, in bytes. Above this, requests get 429.',
  FREEFACE_MAX_CONNECTIONS:
    'Client connections at the same time; further connections are closed at once. If not set: the limit of file descriptors less 256, at least half of it and at most 10,000.',
  FREEFACE_RATE_LIMIT_PER_KEY: 'Requests per minute from one key or user; 0: no limit.',
  FREEFACE_RATE_LIMIT_PER_ADDRESS: 'Requests per minute from one address, checked before authentication; 0: no limit.',
  FREEFACE_RATE_LIMIT_LOGIN: 'Logins per minute from one address; 0: no limit.',
  FREEFACE_TRUSTED_PROXIES:
    'Proxies in front of this server that add to `X-Forwarded-For`: their number, or their addresses and networks, as in `private,203.0.113.0/24`; `private` means all private networks. 0: the client’s address is the address of the connection.',
  FREEFACE_CORS_ORIGINS:
    'Origins whose web pages may call the API, as in `https://app.example,http://localhost:3000`; `*`: every origin. If not set, none.',
  FREEFACE_WEBHOOK_ALLOW:
    'Webhook receivers that may be private: hosts, addresses and ranges, as in `erp.local,10.20.0.0/16`. A webhook URL with a listed host or address may also use HTTP and any port. If not set, a receiver must be public and use HTTPS at port 443.',
  FREEFACE_CRITICAL_LANE:
    'Callers that may enrol with the priority `critical`. `admins`: callers with the scope `tenant:manage`; the files of a bucket or a watched folder use `high` instead.',
  FREEFACE_SHUTDOWN_SECONDS: 'Seconds that running requests have to finish after SIGTERM.',
  FREEFACE_OIDC_ISSUER:
    'OpenID Connect issuer whose users may call the API; exactly the `iss` of its tokens. If not set, only FreeFace’s own users and keys may call.',
  FREEFACE_OIDC_AUDIENCE: 'Value that `aud` of the issuer’s tokens must contain. Required with `FREEFACE_OIDC_ISSUER`.',
  FREEFACE_OIDC_JWKS_URL: 'URL of the issuer’s signing keys. If not set, discovery finds it.',
  FREEFACE_OIDC_ROLE_CLAIM:
    'Claim with the roles of a user. Dots select a field of an object, as in `realm_access.roles`.',
  FREEFACE_OIDC_ROLES:
    'Maps the issuer’s roles to FreeFace roles, as in `staff=viewer,it=admin`. A role that is not listed keeps its name.',
  FREEFACE_OIDC_TENANT_CLAIM:
    'Claim with the tenant of a user. A token whose tenant does not exist is refused. If not set, all users belong to the tenant `default`.',
  LOG_LEVEL: 'Lowest level that is logged.',
  FREEFACE_ENGINES_CA: 'PEM file with additional CA certificates; TLS connections to all engines trust them.',
  FREEFACE_EXTRACTOR_URL: 'URL of the extract-faces function. If not set, this process extracts the faces.',
  FREEFACE_OUTBOX_URL:
    'URL of the sweep-outbox function, which is called after writes to publish their events. If not set, events wait for its schedule.',
  SCYLLA_CONTACT_POINTS: 'ScyllaDB nodes for the first connection, as `host:port,…`.',
  SCYLLA_LOCAL_DATACENTER: 'ScyllaDB data centre whose nodes get the requests.',
  SCYLLA_KEYSPACE: 'ScyllaDB keyspace of all tables.',
  SCYLLA_REPLICATION:
    'Copies of each row in the data centre, for `npm run migrate`. If not set: 3, or the number of nodes if there are fewer.',
  SCYLLA_USERNAME: 'User name for ScyllaDB. If not set, no login.',
  SCYLLA_PASSWORD: 'Password of this user.',
  SCYLLA_TLS:
    '`true`: connect to ScyllaDB over TLS. A node’s certificate must be for its address, or for a host name in `SCYLLA_CONTACT_POINTS`.',
  MILVUS_ADDRESS: 'Address of Milvus, as `host:port`.',
  MILVUS_USERNAME: 'User name for Milvus. If not set, no login.',
  MILVUS_PASSWORD: 'Password of this user.',
  MILVUS_TLS: '`true`: connect to Milvus over TLS.',
  MILVUS_DATABASE: 'Milvus database of all collections.',
  MILVUS_COLLECTION_PREFIX: 'Prefix of the names of our collections.',
  MILVUS_INDEX: 'Index type for the templates. With `GPU_CAGRA`, a search returns at most 1,024 hits.',
  MILVUS_EXPECTED_FACES: 'Expected number of faces in the gallery; the index parameters depend on it.',
  S3_ENDPOINT: 'URL of MinIO or another S3 store; `https` uses TLS.',
  S3_PUBLIC_ENDPOINT:
    'URL at which clients reach the S3 store. If set, a download of a whole image returns a link to the store, valid for one minute. If not set, downloads go through the platform.',
  S3_ACCESS_KEY_ID: 'Access key id for the S3 store.',
  S3_SECRET_ACCESS_KEY: 'Secret of this access key.',
  S3_REGION: 'Region of the S3 buckets.',
  S3_BUCKET: 'Bucket for all images.',
  S3_UPLOADS_BUCKET:
    'Bucket whose photos are enrolled automatically. Object names: `uploads/{tenant}/{external_id}/name.jpg`. If an object is deleted, its faces are erased. If not set, there is no such bucket.',
  S3_UPLOADS_TARGET:
    'ARN, in the store, of the Kafka topic `freeface.uploads`, which receives the notifications of the uploads bucket. Empty: `npm run migrate` sets up no notifications; configure them in the store.',
  S3_PATH_STYLE: '`true`: the bucket name is in the path of a URL. `false`: it is in the host name.',
  S3_KMS_KEY_ID: 'KMS key of the store that encrypts the images. If not set, the store uses its own key.',
  KAFKA_BROKERS: 'Kafka brokers for the first connection, as `host:port,…`.',
  KAFKA_USERNAME: 'User name for Kafka. If not set, no login.',
  KAFKA_PASSWORD: 'Password of this user.',
  KAFKA_SASL: 'SASL mechanism for the login to Kafka.',
  KAFKA_REPLICATION:
    'Copies of each event, for `npm run migrate`. If not set: 3, or the number of brokers if there are fewer.',
  KAFKA_TLS: '`true`: connect to Kafka over TLS.',
  DRAGONFLY_URL: 'URL of DragonflyDB, as `redis://user:password@host:port`; `rediss` uses TLS.',
  DRAGONFLY_USERNAME: 'User name for DragonflyDB, if the URL has none.',
  DRAGONFLY_PASSWORD: 'Password of this user, if the URL has none. If not set, no login.',
  DRAGONFLY_KEY_PREFIX: 'Prefix of the names of our keys.',
};
