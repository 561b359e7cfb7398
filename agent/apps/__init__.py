"""The doors: each turns an outside event into a request and dresses a report, nothing more."""
