-- Letters about events, parked and closed, are found by their identity and listed by their component, domain, stream
-- or status, the latest or the oldest first.

CREATE INDEX seriatim_parked_letter ON seriatim_parked (letter) WHERE letter IS NOT NULL;
CREATE INDEX seriatim_parked_component ON seriatim_parked (component, letter) WHERE letter IS NOT NULL;
CREATE INDEX seriatim_parked_component_domain ON seriatim_parked (component, domain, letter) WHERE letter IS NOT NULL;
CREATE INDEX seriatim_parked_domain ON seriatim_parked (domain, letter) WHERE letter IS NOT NULL;
CREATE INDEX seriatim_parked_domain_root ON seriatim_parked (domain, root, letter) WHERE letter IS NOT NULL;
CREATE INDEX seriatim_closed_letters_component_domain ON seriatim_closed_letters (component, domain, letter);
CREATE INDEX seriatim_closed_letters_component_status ON seriatim_closed_letters (component, status, letter);
CREATE INDEX seriatim_closed_letters_domain ON seriatim_closed_letters (domain, letter);
CREATE INDEX seriatim_closed_letters_domain_root ON seriatim_closed_letters (domain, root, letter);
CREATE INDEX seriatim_closed_letters_status ON seriatim_closed_letters (status, letter);

-- The letters of commands have the others already.
CREATE INDEX seriatim_dead_letters_domain ON seriatim_dead_letters (domain, id);
