-- How an organization looks and speaks beyond the columns of 1.x. Without a value it is as it was.

ALTER TABLE organizations ADD COLUMN brand JSONB;
