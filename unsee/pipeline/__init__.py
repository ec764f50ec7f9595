"""From a request to a report: the parts of unsee put together."""
