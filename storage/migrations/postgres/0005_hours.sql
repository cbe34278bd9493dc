-- What passed on the site in each of the latest hours, beside what is usual at that hour of the week.
CREATE TABLE hours (
    hour            BIGINT PRIMARY KEY NOT NULL, -- its beginning
    requests        BIGINT NOT NULL,
    failed          BIGINT NOT NULL, -- failed sign-ins
    requests_from   BIGINT, -- NULL before enough was seen to say what is usual
    requests_to     BIGINT,
    failed_from     BIGINT,
    failed_to       BIGINT
);
