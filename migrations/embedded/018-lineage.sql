-- The key with which a user or a key ends; null: none.
ALTER TABLE users ADD COLUMN ends_with TEXT;
ALTER TABLE api_keys ADD COLUMN ends_with TEXT;
