-- A magic link belongs to the interaction that it was asked for at, by its digest; opened in another
-- browser it gives a code, of which a keyed digest is kept until it is typed in there.

-- step: transaction
ALTER TABLE magic_link_tokens ADD COLUMN IF NOT EXISTS interaction TEXT;
ALTER TABLE magic_link_tokens ADD COLUMN IF NOT EXISTS code_digest TEXT;

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_magic_link_interaction ON magic_link_tokens (interaction)
    WHERE interaction IS NOT NULL;

-- Where a link was mailed to: it is worth nothing once its person has another address. Porta 1.x and
-- versions before this one write none; such a link is good for whatever address the person has.

-- step: transaction
ALTER TABLE magic_link_tokens ADD COLUMN IF NOT EXISTS sent_to CITEXT;
ALTER TABLE password_reset_tokens ADD COLUMN IF NOT EXISTS sent_to CITEXT;
