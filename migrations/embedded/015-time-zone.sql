-- IANA name of the time zone of a tenant's cameras. NULL: not known.
ALTER TABLE tenants ADD COLUMN time_zone TEXT;
