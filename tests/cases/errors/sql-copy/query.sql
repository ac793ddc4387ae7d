COPY records TO '/tmp/stolen.csv'
