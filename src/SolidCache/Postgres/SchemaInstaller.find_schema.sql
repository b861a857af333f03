-- Whether the schema was begun, asked in a way that doesn't fail.
-- -> is_there boolean   (1 row)
SELECT /* SolidCache/Postgres/SchemaInstaller.find_schema */ to_regclass('solid_cache.solid_cache_schema') IS NOT NULL AS is_there;
