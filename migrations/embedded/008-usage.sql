-- How much each tenant holds, kept by the database itself with every row that comes or goes, in the same transaction: counting a
-- hundred thousand rows for every enrolment under a quota would take 15 ms.

CREATE TABLE usage (
  tenant TEXT PRIMARY KEY,
  persons INTEGER NOT NULL,
  faces INTEGER NOT NULL,
  -- Of images.
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO usage (tenant, persons, faces, bytes)
SELECT tenant, sum(persons), sum(faces), sum(bytes) FROM (
  SELECT tenant, count(*) AS persons, 0 AS faces, 0 AS bytes FROM persons GROUP BY tenant
  UNION ALL SELECT tenant, 0, count(*), 0 FROM faces GROUP BY tenant
  UNION ALL SELECT tenant, 0, 0, sum(bytes) FROM images GROUP BY tenant
) GROUP BY tenant;

CREATE TRIGGER usage_person_came AFTER INSERT ON persons BEGIN
  INSERT INTO usage SELECT NEW.tenant, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM usage WHERE tenant = NEW.tenant);
  UPDATE usage SET persons = persons + 1 WHERE tenant = NEW.tenant;
END;
CREATE TRIGGER usage_person_went AFTER DELETE ON persons BEGIN
  UPDATE usage SET persons = persons - 1 WHERE tenant = OLD.tenant;
END;

CREATE TRIGGER usage_face_came AFTER INSERT ON faces BEGIN
  INSERT INTO usage SELECT NEW.tenant, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM usage WHERE tenant = NEW.tenant);
  UPDATE usage SET faces = faces + 1 WHERE tenant = NEW.tenant;
END;
CREATE TRIGGER usage_face_went AFTER DELETE ON faces BEGIN
  UPDATE usage SET faces = faces - 1 WHERE tenant = OLD.tenant;
END;

CREATE TRIGGER usage_image_came AFTER INSERT ON images BEGIN
  INSERT INTO usage SELECT NEW.tenant, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM usage WHERE tenant = NEW.tenant);
  UPDATE usage SET bytes = bytes + NEW.bytes WHERE tenant = NEW.tenant;
END;
CREATE TRIGGER usage_image_changed AFTER UPDATE OF bytes ON images BEGIN
  UPDATE usage SET bytes = bytes + NEW.bytes - OLD.bytes WHERE tenant = NEW.tenant;
END;
CREATE TRIGGER usage_image_went AFTER DELETE ON images BEGIN
  UPDATE usage SET bytes = bytes - OLD.bytes WHERE tenant = OLD.tenant;
END;
