-- A refresh token names the one that follows it. What is presented twice has one successor, whichever
-- key an instance would have derived another one with.

ALTER TABLE artifacts ADD COLUMN successor_id TEXT COLLATE "C";
