-- Faces of a person are counted per image and model space; the index has them in that order.

CREATE INDEX faces_by_person_image ON faces (tenant, person_id, image_id, space);
