CREATE TABLE product (
    sku text PRIMARY KEY,
    name text NOT NULL,
    category text NOT NULL,
    price_cents integer NOT NULL
);
CREATE TABLE stock (sku text PRIMARY KEY REFERENCES product, available integer NOT NULL);
CREATE TABLE reservation (purchase text PRIMARY KEY, skus text[] NOT NULL);
CREATE TABLE purchase (
    id text PRIMARY KEY,
    customer text NOT NULL,
    region text NOT NULL,
    total_cents integer NOT NULL,
    placed_at timestamptz NOT NULL
);
CREATE TABLE mandate (
    id serial PRIMARY KEY,
    customer text NOT NULL,
    card text NOT NULL,
    brand text NOT NULL,
    last4 text NOT NULL,
    UNIQUE (customer, card)
);
CREATE TABLE charge (
    purchase text NOT NULL,
    customer text NOT NULL,
    cents integer NOT NULL,
    status text NOT NULL,
    mandate integer REFERENCES mandate
);

INSERT INTO product
SELECT format('SKU-%s', 1000 + n),
       format('%s %s', (ARRAY['Oak', 'Steel', 'Linen', 'Glass', 'Copper', 'Wool'])[1 + n % 6],
                       (ARRAY['chair', 'lamp', 'bowl', 'table'])[1 + n / 6 % 4]),
       (ARRAY['seating', 'lighting', 'kitchen', 'tables'])[1 + n / 6 % 4],
       990 + 370 * n
FROM generate_series(0, 47) AS n;
INSERT INTO stock SELECT sku, 100000 FROM product;
UPDATE stock SET available = 12 WHERE sku = 'SKU-1047';
INSERT INTO mandate (customer, card, brand, last4)
SELECT customer, format('card-%s-%s', customer, n), (ARRAY['visa', 'mastercard'])[1 + n % 2],
       (4000 + 37 * n)::text
FROM unnest(ARRAY['acme', 'globex', 'initech', 'umbrella', 'hooli']) AS customer,
     generate_series(1, 20) AS n;

-- people change data by hand under their own names, and what they type is logged
CREATE ROLE ana_reyes LOGIN IN ROLE pg_read_all_data, pg_write_all_data;
ALTER ROLE ana_reyes SET log_statement = 'all';
