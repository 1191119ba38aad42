"""What several adapters read by: rows, pictures by name, volumes in pairs, findings, boxes."""
