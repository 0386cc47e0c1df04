-- What pages, forms and campaigns are called: to filter by a name without reading every lead, and to offer the names.

CREATE TABLE names (
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('page', 'form', 'campaign')),
    id   text COLLATE "C" NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX names_name ON names (kind, lower(name));

INSERT INTO names (kind, id, name)
SELECT DISTINCT ON (kind, each.id) kind, each.id, name
FROM leads, LATERAL (VALUES
    ('page', page_id, page_name), ('form', form_id, form_name), ('campaign', campaign_id, campaign_name)
) AS each (kind, id, name)
WHERE each.id <> ''
ORDER BY kind, each.id, name DESC;

CREATE INDEX leads_page ON leads (page_id, received_at, id);
